"""The work diary (工作日志), an old app that is linked and not ported. `GRANTS` holds its manifest:
`await make_hub(grants=GRANTS)`."""

from pathlib import Path
from typing import Final

GRANTS: Final = Path(__file__).parent / "manifests"
