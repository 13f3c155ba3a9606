# Untested: written where no image could be built. `docker build -t easel .`; docs/operations.md says how to run it.
FROM python:3.12-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY generation generation
COPY migrations migrations
RUN pip install --no-cache-dir '.[postgresql]' && rm -rf /src

RUN useradd --uid 1000 --create-home easel && install --directory --owner easel /data
USER easel
WORKDIR /data
ENV EASEL_DATA_DIR=/data
VOLUME /data

STOPSIGNAL SIGTERM
ENTRYPOINT ["easel"]
CMD ["run"]
