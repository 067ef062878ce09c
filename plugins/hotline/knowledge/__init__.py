"""The knowledge base (知识库): what is answered at once, by whom it was written and until when it
holds."""
