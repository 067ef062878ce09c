"""Refusals (403) in the hotline's own words: the permission is held, the act is another's."""

from plugin_sdk.problems import Denied


class NotTheirs(Denied):
    """An act that is left to somebody else; its words stand at `hotline.problem.<reason>`."""

    def __init__(self, permission: str, reason: str) -> None:
        super().__init__(f"hotline.{permission}", reason=reason)
        self.code = f"hotline.{reason}"

    @property
    def words(self) -> str:
        """Return where its words stand in the app's catalogue."""
        return f"hotline.problem.{self.params['reason']}"
