"""The enterprise desk (营商环境专席): who looks after which enterprise, calls by plan, what each
asked and got, and the cards that say what to do."""
