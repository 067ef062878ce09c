"""Road works and incidents (道路施工、事件): a list that everybody reads, and messages to who
follows a road or a township."""
