"""What schemathesis does not know by itself."""

import schemathesis

# A part of an upload by tus: bytes.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
