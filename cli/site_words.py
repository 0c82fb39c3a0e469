"""What a site says against a request, in words for whoever typed a command. Pure."""

from cli.refusal import SiteRefusal


def against(refused: SiteRefusal, what: str, look: str) -> SiteRefusal:
    """The same refusal; it names `what` was asked for (`camera sun`), and the command that shows what there is."""
    said = str(refused)
    if refused.status == 404:
        said = f"there is no {what}, or not for you to see: `dolbom {look}` shows what there is"
    elif refused.kind == "other-revision":
        said = f"{what} was changed by somebody else meanwhile, so nothing was done: look at it and try again"
    elif refused.kind == "bus-away":
        said = f"the bus does not answer, so nothing may have been recorded of {what}: look at it and try again"
    elif refused.status == 422:
        said = said.removeprefix("body.").removeprefix("query.").replace(": Value error, ", ": ", 1)
    return SiteRefusal(said, refused.status, refused.kind)
