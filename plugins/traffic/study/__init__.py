"""学法减分: study that takes points off a licence. Questions are counted, time is not: of when
somebody studied there is one moment, the beginning, since the rule asks for half an hour."""
