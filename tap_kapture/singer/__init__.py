"""The door for Singer targets: the only room that knows the SDK.

What is taken over from the SDK, or touched of its private parts, and why. A test holds this list
against the code, and another one runs with the SDK's next release.

| of the SDK | why |
|---|---|
| `Tap.capabilities` | no ACTIVATE_VERSION: a run that then fails would leave an emptied table |
| `Tap.message_writer_class`, `Tap.message_writer` | messages leave in large pieces |
| `Tap.sync_all` | days that are not whole end a run behind all streams (the SDK calls it final) |
| `Tap.run_connection_test` | a host that is gone is given up in seconds (the SDK calls it final) |
| `Tap.discover_streams` | as each tap does |
| `Tap.setup_mapper` | what is wrong with a stream map is named before any request |
| `Tap.load_state` | a whole STATE line is a state too; what is none is named |
| `Tap.append_builtin_config` | completes the schemas of `batch_config` and `stream_maps` |
| `Tap._validate_config`, `Tap._config` | every bad setting is named, never shown; 10.0 is fine |
| `Tap._env_var_config`, `Tap._env_var_prefix` | a variable that holds another type is named |
| `Tap.cb_config`, `Tap.invoke` | a file that is no JSON object is named |
| `Tap._handle_termination` | a signal ends the run between two messages |
| `Stream.log` | no "unhandled error" for errors that are handled |
| `Stream.get_records`, `Stream.get_batches` | files hold what maps and selection leave |
| `Stream._sync_records` | whole pages leave at a time |
| `Stream._write_schema_message` | the SCHEMA of `pulled_days` leaves once, before all rows |
| `Stream.finalize_state_progress_markers` | `pulled_days` has no part in the state |
| `Stream._finalize_state` | as the SDK does behind its records |
| `Stream._write_state_message` | the rows of `pulled_days` leave before it |
| `Stream._generate_record_messages` | all records of a day carry one time of extraction |
| `Stream._stream_version`, `Stream._tap` | for messages, and for what the tap holds |
| `Stream._increment_stream_state` | the bookmark moves by days, not by records |
| `Stream._write_starting_replication_value` | the bookmark itself says where a run starts |
| `Stream.get_replication_key_signpost` | the bookmark never passes a day that is not closed |
| `MsgSpecWriter.write_message` | writes to a buffer, and only whole lines to a pipe |
| `singer_sdk.helpers._batch`, `singer_sdk.helpers._util` | without a public place |
| `singer_sdk.helpers._classproperty` | what `_env_var_config` is |
| `singer_sdk.configuration._dict_config` | reads settings from the environment as the SDK does |
| `singer_sdk.plugin_base._ConfigInput` | the type of a signature |
"""
