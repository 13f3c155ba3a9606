"""Opening the page in the person's own browser."""

import logging
import webbrowser

log = logging.getLogger(__name__)


def open_page(url: str) -> None:
    """Opens an address in a browser with windows; does nothing where there is none, as on a server."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if type(browser) is webbrowser.GenericBrowser:  # such as lynx: it would take over the terminal
        return
    if not browser.open(url):
        log.info("no browser could be opened; open the printed address yourself")
