"""Coordination (协调督办): where no unit owns an order, they meet, one decides, and the order is
divided into linked ones."""
