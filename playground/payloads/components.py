"""Components: what Discord refuses in them, the numbers it gives them, and the files they show."""

from collections.abc import Callable, Iterator
from typing import Any

from playground.state.forms import Form, Path
from playground.state.messages import COMPONENTS_V2, walk

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT = 5, 6, 7, 8
SECTION, TEXT, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER = 9, 10, 11, 12, 13, 14, 17
LABEL, FILE_UPLOAD, RADIO, CHECKBOXES, CHECKBOX = 18, 19, 21, 22, 23
SELECTS = {STRING_SELECT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT}
LINK_STYLE, PREMIUM_STYLE = 5, 6
_IN_MESSAGES = {ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR, CONTAINER}
_IN_MODALS = {ROW, LABEL, TEXT}
_ROWS, _IN_ROW, _V2_TOTAL, _V2_TEXT, _MODAL_PARTS = 5, 5, 40, 4000, 5

Media = Callable[[dict[str, Any]], dict[str, Any]]


def check_message_components(form: Form, components: list[dict[str, Any]], flags: int) -> None:
    """Checks a message's components.

    Args:
        form: Takes what is wrong.
        components: As the bot sent them.
        flags: The message's flags; they say whether it is made of components v2.
    """
    where: Path = ("components",)
    everything = walk(components)
    if flags & COMPONENTS_V2:
        form.length(where, everything, 1, _V2_TOTAL)
        form.length(where, "".join(each.get("content", "") for each in everything if each["type"] == TEXT), 0, _V2_TEXT)
    else:
        form.length(where, components, 0, _ROWS)
    allowed = _IN_MESSAGES if flags & COMPONENTS_V2 else {ROW}
    for number, component in enumerate(components):
        if component["type"] not in allowed:
            form.wrong((*where, number, "type"), f"Value of field must be one of {allowed}")
    _check_parts(form, where, components)


def check_modal(form: Form, data: dict[str, Any]) -> None:
    """Checks a modal."""
    where: Path = ("data",)
    form.length((*where, "title"), data.get("title"), 1, 45)
    form.length((*where, "custom_id"), data.get("custom_id"), 1, 100)
    components = data.get("components") or []
    form.length((*where, "components"), components, 1, _MODAL_PARTS)
    for number, component in enumerate(components):
        if component["type"] not in _IN_MODALS:
            form.wrong((*where, "components", number, "type"), "Not allowed in a modal")
        if component["type"] == LABEL:
            form.length((*where, "components", number, "label"), component.get("label"), 1, 45)
    _check_parts(form, (*where, "components"), components)


def _check_parts(form: Form, where: Path, components: list[dict[str, Any]]) -> None:
    everything = list(_places(where, components))
    for path, component in everything:
        check = _CHECKS.get(component["type"])
        if check is not None:
            check(form, path, component)
    named = [each["custom_id"] for _, each in everything if each.get("custom_id")]
    if len(named) != len(set(named)):
        form.wrong(where, "Component custom id cannot be duplicated")


def _places(where: Path, components: list[dict[str, Any]]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Lists components and what is inside them, each with its path in the body."""
    for number, component in enumerate(components):
        path = (*where, number)
        yield path, component
        yield from _places((*path, "components"), component.get("components", []))
        for part in ("component", "accessory"):
            if isinstance(component.get(part), dict):
                yield (*path, part), component[part]


def _check_row(form: Form, path: Path, row: dict[str, Any]) -> None:
    inside = row.get("components") or []
    form.length((*path, "components"), inside, 1, _IN_ROW)
    if any(each["type"] in {*SELECTS, TEXT_INPUT} for each in inside) and len(inside) > 1:
        form.wrong((*path, "components"), "The specified component exceeds the width")


def _check_button(form: Form, path: Path, button: dict[str, Any]) -> None:
    form.length((*path, "label"), button.get("label") or "", 0, 80)
    style = button.get("style")
    if style == LINK_STYLE:
        form.length((*path, "url"), button.get("url"), 1, 512)
    elif style != PREMIUM_STYLE:
        form.length((*path, "custom_id"), button.get("custom_id"), 1, 100)
        if not button.get("label") and not button.get("emoji"):
            form.wrong(path, "A button must have a label or an emoji.")


def _check_select(form: Form, path: Path, select: dict[str, Any]) -> None:
    form.length((*path, "custom_id"), select.get("custom_id"), 1, 100)
    form.length((*path, "placeholder"), select.get("placeholder") or "", 0, 150)
    form.number((*path, "min_values"), select.get("min_values"), 0, 25)
    form.number((*path, "max_values"), select.get("max_values"), 1, 25)
    if select["type"] == STRING_SELECT:
        _check_options(form, path, select, 1, 25)


def _check_options(form: Form, path: Path, parent: dict[str, Any], low: int, high: int) -> None:
    options = parent.get("options") or []
    form.length((*path, "options"), options, low, high)
    for number, option in enumerate(options):
        form.length((*path, "options", number, "label"), option.get("label"), 1, 100)
        form.length((*path, "options", number, "value"), option.get("value"), 1, 100)
        form.length((*path, "options", number, "description"), option.get("description") or "", 0, 100)
    values = [option.get("value") for option in options]
    if len(values) != len(set(values)):
        form.wrong((*path, "options"), "The value is already used")


def _check_text_input(form: Form, path: Path, field: dict[str, Any]) -> None:
    form.length((*path, "custom_id"), field.get("custom_id"), 1, 100)
    form.length((*path, "label"), field.get("label") or "", 0, 45)
    form.length((*path, "placeholder"), field.get("placeholder") or "", 0, 100)
    form.length((*path, "value"), field.get("value") or "", 0, 4000)
    form.number((*path, "max_length"), field.get("max_length"), 1, 4000)


def _check_upload(form: Form, path: Path, field: dict[str, Any]) -> None:
    form.length((*path, "custom_id"), field.get("custom_id"), 1, 100)
    form.number((*path, "min_values"), field.get("min_values"), 0, 10)
    form.number((*path, "max_values"), field.get("max_values"), 1, 10)


def _check_gallery(form: Form, path: Path, gallery: dict[str, Any]) -> None:
    form.length((*path, "items"), gallery.get("items"), 1, 10)


def _check_section(form: Form, path: Path, section: dict[str, Any]) -> None:
    form.length((*path, "components"), section.get("components"), 1, 3)


_CHECKS: dict[int, Callable[[Form, Path, dict[str, Any]], None]] = {
    ROW: _check_row, BUTTON: _check_button, TEXT_INPUT: _check_text_input, FILE_UPLOAD: _check_upload,
    GALLERY: _check_gallery, SECTION: _check_section,
    RADIO: lambda form, path, field: _check_options(form, path, field, 2, 10),
    CHECKBOXES: lambda form, path, field: _check_options(form, path, field, 1, 10),
    **dict.fromkeys(SELECTS, _check_select),
}  # fmt: skip


def numbered(components: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Gives every component that has no number one of its own, in reading order, as Discord does."""
    taken = {each["id"] for each in walk(components) if each.get("id")}
    free = (number for number in range(1, 10_000) if number not in taken)

    def number(component: dict[str, Any]) -> dict[str, Any]:
        made = {**component, "id": component.get("id") or next(free)}
        if "components" in component:
            made["components"] = [number(inside) for inside in component["components"]]
        for part in ("component", "accessory"):
            if isinstance(component.get(part), dict):
                made[part] = number(component[part])
        return made

    return [number(component) for component in components]


def completed(component: dict[str, Any], media: Media) -> dict[str, Any]:
    """Returns a component as messages show it: defaults filled in, files by their addresses.

    Args:
        component: As it was stored.
        media: Makes what Discord tells about a picture from `{"url": ...}`.
    """
    made = {**_DEFAULTS.get(component["type"], {}), **_with_plain_emoji(component)}
    if "components" in made:
        made["components"] = [completed(inside, media) for inside in made["components"]]
    for part in ("component", "accessory"):
        if isinstance(made.get(part), dict):
            made[part] = completed(made[part], media)
    for part in ("media", "file"):
        if isinstance(made.get(part), dict):
            made[part] = media(made[part])
    if "items" in made:
        made["items"] = [
            {"description": None, "spoiler": False, **item, "media": media(item["media"])} for item in made["items"]
        ]
    return made


def _with_plain_emoji(component: dict[str, Any]) -> dict[str, Any]:
    """Leaves out an emoji's empty id, as Discord does, in a component and in its options."""
    made = {**component}
    if isinstance(component.get("emoji"), dict):
        made["emoji"] = {name: value for name, value in component["emoji"].items() if value is not None}
    if "options" in component:
        made["options"] = [_with_plain_emoji(option) for option in component["options"]]
    return made


_DEFAULTS: dict[int, dict[str, Any]] = {
    THUMBNAIL: {"description": None, "spoiler": False},
    FILE: {"spoiler": False},
    SEPARATOR: {"divider": True, "spacing": 1},
    CONTAINER: {"accent_color": None, "spoiler": False},
}
