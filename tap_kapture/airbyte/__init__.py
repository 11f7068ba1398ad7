"""The door for Airbyte: ``source-kapture``, which speaks its protocol in version 0.18.

Its commands are those of every source: ``spec``, ``check``, ``discover`` and ``read``. What is read
comes from the same engine as for Singer, and nothing of Singer is loaded. Of the protocol
(github.com/airbytehq/airbyte-protocol, ``airbyte_protocol.yaml``) only what a source may say is
here, as plain structs.
"""
