"""随手拍: a resident reports another's violation with photos, and an officer decides; the reporter
stays hidden."""
