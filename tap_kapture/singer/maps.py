"""Stream maps: what is wrong with one is named before any request, and no error shows a record.

The SDK looks at an expression when its first record comes, days are read by then, and its errors
quote whatever the expression met. An expression, which may hold a salt, is not shown either.
"""

from __future__ import annotations

import ast
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import StreamMapConfigError
from singer_sdk.mapper import CustomStreamMap, PluginMapper

from tap_kapture.errors import KaptureConfigError

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping

    from singer_sdk.singerlib.catalog import Catalog

    Expressions = list[tuple[str, ast.AST]]

_FILTER = "__filter__"
_ALWAYS = {"_", "record", "config", "__stream_name__", "__original_stream_name__"}
"""What an expression may name beside the columns and the functions."""
_SEE = "see the SDK's page on stream maps"
_ABOUT_KEYS = ("Removing key property", "Invalid key properties")


def complete(schema: dict[str, Any]) -> None:
    """Make the settings' JSON Schema one that can be checked: the SDK's has text in it as a schema.

    Args:
        schema: Changed in place; may be complete already.
    """
    definition = schema["properties"]["stream_maps"]
    of_a_stream = definition["additionalProperties"]["anyOf"][-1]
    for each in (definition, of_a_stream):
        other = each["properties"]["__else__"]
        other["anyOf"] = [choice for choice in other["anyOf"] if isinstance(choice, dict)]


def mapper_of(
    config: Mapping[str, Any], catalog: Catalog, selected: Catalog, logger: logging.Logger
) -> PluginMapper:
    """Return the SDK's mapper of a configuration, its errors those of this tap.

    Args:
        config: The configuration.
        catalog: The streams.
        selected: Those that are read. A map of another one is not looked at: the SDK sees a stream
            without columns there, and would call every map of it wrong.
        logger: For the SDK's messages.

    Raises:
        KaptureConfigError: A stream map cannot be used, whatever the records.
    """
    plain = _mapper({**config, "stream_maps": {}}, catalog, logger)
    stream_maps: dict[str, Any] = config.get("stream_maps", {})
    if not stream_maps:
        return plain
    _check_sources(stream_maps, sorted(catalog))
    try:
        mapper = _mapper(config, selected, logger)
    except Exception:
        # Whatever it stumbles over: the map that does so alone is the one.
        for target, definition in stream_maps.items():
            reason = _reason({**config, "stream_maps": {target: definition}}, selected, logger)
            if reason:
                msg = f"stream_maps: {target}: {reason}"
                raise KaptureConfigError(msg) from None
        raise
    for name, maps in mapper.stream_maps.items():
        # Not from the map: the SDK changes that one's idea of the columns as well.
        columns = set(plain.stream_maps[name][0].raw_schema["properties"])
        for stream_map in maps:
            if isinstance(stream_map, CustomStreamMap):
                for column, expression in _expressions(stream_map):
                    _check_names(stream_map, columns, column, expression)
                _guard(stream_map)
    mapper.stream_maps = plain.stream_maps | mapper.stream_maps
    return mapper


def _check_sources(stream_maps: Mapping[str, Any], names: list[str]) -> None:
    """Refuse a map of no stream: one that is to drop a column would be passed over."""
    for target, definition in stream_maps.items():
        source = definition.get("__source__", target) if isinstance(definition, dict) else target
        if not target.startswith("__") and not any(fnmatch(name, source) for name in names):
            msg = f"stream_maps: '{source}' is no stream; there are {', '.join(names)}"
            raise KaptureConfigError(msg)


def _mapper(config: Mapping[str, Any], catalog: Catalog, logger: logging.Logger) -> PluginMapper:
    mapper = PluginMapper(plugin_config=dict(config), logger=logger)
    mapper.register_raw_streams_from_catalog(catalog)
    return mapper


def _reason(config: Mapping[str, Any], catalog: Catalog, logger: logging.Logger) -> str:
    """Return why the only map of a configuration cannot be used, without any of its expressions."""
    try:
        _mapper(config, catalog, logger)
    except Exception as error:  # noqa: BLE001 - the SDK raises what it met
        (definition,) = config["stream_maps"].values()
        if isinstance(error, StreamMapConfigError) and str(error).startswith(_ABOUT_KEYS):
            return str(error).rstrip(".")
        for name, expression in definition.items() if isinstance(definition, dict) else ():
            if isinstance(expression, str) and not _is_valid(expression):
                return f"the expression of '{name}' is not valid, {_SEE}"
        return f"the SDK cannot use it ({type(error).__name__}), {_SEE}"
    return ""


def _is_valid(expression: str) -> bool:
    try:
        return bool(ast.parse(expression).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _expressions(stream_map: CustomStreamMap) -> Expressions:
    """Return what the map will evaluate for each record, by the column that it is for."""
    found: Expressions = []

    def note(*, expr_parsed: ast.AST, property_name: str | None, **_: object) -> bool:
        found.append((property_name or _FILTER, expr_parsed))
        return True  # the filter lets the record pass, so that the rest is noted too

    evaluate = stream_map._eval  # noqa: SLF001 - the one place where the SDK evaluates
    stream_map._eval = note  # type: ignore[method-assign,assignment] # noqa: SLF001
    try:
        stream_map._transform_fn({})  # noqa: SLF001 - the map without flattening
    except StreamMapConfigError:
        msg = f"{_where(stream_map)}: an expression is a statement, which has no value"
        raise KaptureConfigError(msg) from None
    finally:
        stream_map._eval = evaluate  # type: ignore[method-assign] # noqa: SLF001
    return found


def _check_names(
    stream_map: CustomStreamMap, columns: set[str], column: str, expression: ast.AST
) -> None:
    functions = stream_map.functions
    known = _ALWAYS | columns | set(functions) | set(_bound(expression))
    known |= {"self"} if column in columns else set()
    known |= {"fake"} if stream_map.fake else set()
    for node in ast.walk(expression):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id not in functions:
                msg = (
                    f"{_where(stream_map, column)} calls '{node.func.id}', which is no function "
                    f"there. There are {', '.join(sorted(functions))}"
                )
                raise KaptureConfigError(msg)
        elif isinstance(node, ast.Name) and node.id not in known:
            msg = (
                f"{_where(stream_map, column)} names '{node.id}', which is no column of the "
                "stream, or a deselected one"
            )
            raise KaptureConfigError(msg)


def _bound(expression: ast.AST) -> Iterator[str]:
    """Yield the names that an expression itself gives to values."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _guard(stream_map: CustomStreamMap) -> None:
    """Let an expression that fails on a record say so without any of the record."""
    evaluate: Callable[..., Any] = stream_map._eval  # noqa: SLF001 - as above

    def guarded(*, property_name: str | None, **rest: Any) -> Any:  # noqa: ANN401 - a value
        try:
            return evaluate(property_name=property_name, **rest)
        except Exception as error:  # noqa: BLE001 - whatever an expression raises
            msg = (
                f"{_where(stream_map, property_name or _FILTER)} fails on a record "
                f"({type(error).__name__}). Let it allow for null, as in: md5(email) if email "
                "else None"
            )
            raise KaptureConfigError(msg) from None

    stream_map._eval = guarded  # type: ignore[method-assign,assignment] # noqa: SLF001


def _where(stream_map: CustomStreamMap, column: str = "") -> str:
    place = f"stream_maps: {stream_map.stream_alias}"
    return f"{place}: the expression of '{column}'" if column else place
