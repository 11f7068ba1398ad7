"""TapKapture: the streams of an account, its settings checked, and the ends of a run."""

from __future__ import annotations

import logging
from functools import cached_property
from io import StringIO
from typing import IO, TYPE_CHECKING, Any, ClassVar

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.plugin_base import JSONSchemaValidator
from singer_sdk.singerlib import Catalog

from tap_kapture.errors import KaptureConfigError
from tap_kapture.process.interruption import Interruption
from tap_kapture.pull.troubles import Troubles, incomplete
from tap_kapture.settings import checked, inputs
from tap_kapture.settings.complaints import complaints
from tap_kapture.settings.declared import config_jsonschema
from tap_kapture.settings.table import TABLE
from tap_kapture.singer import batches, environment, files, maps
from tap_kapture.singer.messages import MessageWriter
from tap_kapture.singer.pulled_days import PulledDaysStream
from tap_kapture.singer.streams import (
    CustomerContactsStream,
    CustomersStream,
    KaptureStream,
    TicketsStream,
)

if TYPE_CHECKING:
    from types import FrameType

    import click
    from singer_sdk import Stream
    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.plugin_base import _ConfigInput

    from tap_kapture.settings.groups import Settings

logger = logging.getLogger("tap-kapture")


class TapKapture(Tap):
    """Singer tap for Kapture CX: tickets and customers, complete and as fresh as the API allows."""

    name = "tap-kapture"
    message_writer_class = MessageWriter
    message_writer: MessageWriter
    config_jsonschema: ClassVar[dict[str, Any]] = config_jsonschema(TABLE)

    # Without ACTIVATE_VERSION: the SDK sends it before the records of a full load, and a run that
    # then fails would leave the table emptied.
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        capability
        for capability in Tap.capabilities
        if capability.value != "activate-version"  # releases of the SDK keep it in different places
    ]

    _settings: Settings | None = None

    def __init__(self, *, catalog: Any = None, **options: Any) -> None:  # noqa: ANN401 - as the SDK's
        """Check the catalog, which the SDK takes as it is.

        Args:
            catalog: A Singer catalog.
            options: Of the SDK.

        Raises:
            KaptureConfigError: Something in the catalog has no meaning.
        """
        if isinstance(catalog, dict) and not isinstance(catalog, Catalog):
            catalog = files.catalog_of(catalog)
        super().__init__(catalog=catalog, **options)

    @property
    def settings(self) -> Settings:
        """The configuration, checked and in the types that the code needs.

        Raises:
            KaptureConfigError: The tap was made without a valid configuration.
        """
        if self._settings is None:
            self._settings = checked.parse(self.config)
        return self._settings

    @cached_property
    def interruption(self) -> Interruption:
        """Ends the run when a signal came."""
        return Interruption()

    @cached_property
    def troubles(self) -> list[Troubles]:
        """The days of each stream that are not whole."""
        return []

    def sync_all(self) -> None:  # type: ignore[misc] # final, but the only end of all streams
        """Sync all selected streams.

        Raises:
            KaptureConfigError: Nothing is selected whose days could be read.
            KaptureIncompleteError: Everything is loaded but some days, which it names.
        """
        selected = [stream for stream in self.streams.values() if stream.selected]
        files.tell_in_vain(self.input_catalog or (), self.streams, selected)
        if selected == [self.pulled_days]:
            msg = (
                "pulled_days: it is the only selected stream, and tells of the days of the others. "
                "Select tickets, customers or customer_contacts as well (Meltano: select "
                "'tickets.*')"
            )
            raise KaptureConfigError(msg)
        self.troubles.clear()
        super().sync_all()
        if error := incomplete(self.troubles):
            raise error

    @cached_property
    def pulled_days(self) -> PulledDaysStream:
        """Takes a row for each day that was read."""
        return PulledDaysStream(self)

    def run_connection_test(self) -> bool:  # type: ignore[misc] # final, and slow where a host is gone
        """Read a record of each selected stream, without the patience of a load.

        Raises:
            KaptureError: A stream cannot be read.
        """
        for stream in self.streams.values():
            if isinstance(stream, KaptureStream) and stream.selected:
                stream.try_out()
        return True

    def discover_streams(self) -> list[Stream]:
        """Return the streams; their schemas are fixed, so no request is needed."""
        customers = CustomersStream(self)
        if not customers.selected_by_default:
            logger.info("customers: not selected by default, because 'cm_id' is not set")
        return [CustomerContactsStream(self), customers, self.pulled_days, TicketsStream(self)]

    def setup_mapper(self) -> None:
        """Prepare the stream maps, and name what is wrong with one."""
        catalog = self.catalog
        streams = {name for name, stream in self.streams.items() if stream.selected}
        selected = {name: entry for name, entry in catalog.items() if name in streams}
        self.mapper = maps.mapper_of(self.config, catalog, Catalog(selected), self.logger)

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over the state of the last run.

        Args:
            state: A Singer state, or a whole STATE message.

        Raises:
            KaptureStateError: The state is no Singer state.
        """
        super().load_state(files.state_of(state))

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add the settings of the SDK.

        Args:
            config_jsonschema: JSON Schema of the settings, changed in place.
        """
        super().append_builtin_config(config_jsonschema)
        batches.complete(config_jsonschema)
        maps.complete(config_jsonschema)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the configuration: types and ranges by the schema, the rest by the settings."""
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        errors = complaints(self._config, JSONSchemaValidator(schema))
        if not errors and raise_errors:
            try:
                self._settings = checked.parse(self._config)
            except KaptureConfigError as error:
                errors = str(error).splitlines()
        if errors and raise_errors:
            summary = "Config validation failed"
            raise ConfigValidationError(summary, errors=errors, schema=schema)
        return errors

    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805 - as the SDK's property of a class
        """Return the settings in the environment; a value that cannot be read is named."""
        cls.append_builtin_config(cls.config_jsonschema)
        config: dict[str, Any] = {}
        known = cls.config_jsonschema["properties"]
        for name, definition in known.items():
            config |= environment.setting(name, definition, cls._env_var_prefix)
        environment.tell_unknown(known, cls._env_var_prefix)
        return config

    @classmethod
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> _ConfigInput:
        """Read the configuration files.

        Args:
            ctx: Click context.
            param: Click option.
            value: Paths, or ENV.

        Raises:
            KaptureConfigError: A file cannot be read, or is no JSON object.
        """
        for path in value:
            if path != "ENV":
                inputs.check_json_object(path, "--config")
        return super().cb_config(ctx, param, value)

    @classmethod
    def invoke(  # type: ignore[override] # as the SDK itself narrows it
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
    ) -> None:
        """Run the tap; state and catalog must be JSON objects.

        Args:
            about: Print the tap's settings and capabilities instead.
            about_format: Format of that.
            config: The configuration.
            state: An open state file.
            catalog: An open catalog file.

        Raises:
            KaptureConfigError: A file is no JSON object.
        """
        super().invoke(
            about=about,
            about_format=about_format,
            config=config,
            state=state and StringIO(inputs.json_object(state.read(), "--state")),
            catalog=catalog and StringIO(inputs.json_object(catalog.read(), "--catalog")),
        )

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the SDK's signature
        """Note the signal: messages may be on their way right now, the last STATE among them."""
        self.interruption.told(signum, busy=self.message_writer.busy)
