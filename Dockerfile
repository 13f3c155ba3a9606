# `docker build -t easel .`; docs/operations.md says how to run it, and what of this was tried.
FROM python:3.12-slim AS build

# A compiler, for packages that have no wheel for this machine's kind of processor.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*

RUN python -m venv /opt/easel
WORKDIR /src
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY bot bot
COPY generation generation
COPY migrations migrations
COPY playground playground
RUN /opt/easel/bin/pip install --no-cache-dir --constraint constraints.txt '.[postgresql]'

FROM python:3.12-slim

RUN useradd --uid 1000 --user-group --create-home easel \
    && install --directory --mode 700 --owner easel --group easel /data
COPY --from=build /opt/easel /opt/easel
ENV PATH=/opt/easel/bin:$PATH EASEL_DATA_DIR=/data
USER 1000:1000
WORKDIR /data
VOLUME /data

STOPSIGNAL SIGTERM
ENTRYPOINT ["easel"]
CMD ["run"]
