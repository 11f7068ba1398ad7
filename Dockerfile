# The Airbyte source, and the tap: `docker run IMAGE spec`, `docker run --entrypoint tap-kapture IMAGE --about`.
FROM python:3.13-slim-bookworm AS build

WORKDIR /build
COPY requirements/tap.txt requirements/
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY tap_kapture tap_kapture
# The dependencies as they were tested, then the package itself.
RUN python -m venv /opt/kapture \
    && /opt/kapture/bin/pip install --no-cache-dir -r requirements/tap.txt \
    && /opt/kapture/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim-bookworm

LABEL io.airbyte.name="source-kapture" \
      io.airbyte.version="0.1.0" \
      org.opencontainers.image.title="source-kapture" \
      org.opencontainers.image.licenses="Apache-2.0"

COPY --from=build /opt/kapture /opt/kapture
RUN useradd --uid 1000 --create-home kapture
USER 1000
WORKDIR /home/kapture
ENV PATH="/opt/kapture/bin:$PATH"

# Airbyte starts what this variable names; both are the same.
ENV AIRBYTE_ENTRYPOINT="/opt/kapture/bin/source-kapture"
ENTRYPOINT ["/opt/kapture/bin/source-kapture"]
