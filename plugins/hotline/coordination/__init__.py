"""Coordination (协调督办): where no unit owns an order, they meet, one decides, and the order is
divided into linked ones.

It does not stand on the meeting kit: that one calls assemblies days ahead, counts heads by group
and answers questions; here named people confirm, leave, give opinions and are bound. Who presides
and who opines is told in ADR 0049 and 0051.
"""
