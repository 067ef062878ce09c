"""Merging an app into its successor: functions proven, data reconciled, links that lead on."""
