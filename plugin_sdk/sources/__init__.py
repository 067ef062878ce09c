"""The kit of external sources (外部数据源): what a system elsewhere says, asked with bounded
patience, checked against what was asked, and kept with the time it was said."""

from plugin_sdk.sources.breaker import Breaker
from plugin_sdk.sources.engine import Ask, Kind, Known, Provider, SourceEngine
from plugin_sdk.sources.models import SourceState
from plugin_sdk.sources.views import FreshView, freshness

__all__ = [
    "Ask",
    "Breaker",
    "FreshView",
    "Kind",
    "Known",
    "Provider",
    "SourceEngine",
    "SourceState",
    "freshness",
]
