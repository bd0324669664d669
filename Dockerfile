# One image for all services and for the jobs that prepare the stack: the command says which.
#   docker build -t helixnet . && docker run helixnet service mapper
# A test runs these very steps in an empty folder; keep to COPY, ENV, RUN and WORKDIR.
FROM python:3.11.15-slim-bookworm AS build
ENV UV_PROJECT_ENVIRONMENT=/opt/helixnet UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN python -m pip install --quiet --root-user-action=ignore uv==0.13.9
WORKDIR /build
COPY pyproject.toml uv.lock README.md LICENSE ./
# The dependencies alone, as wheels: this layer changes with the lock only, and no compiler is there.
RUN uv sync --quiet --locked --no-dev --extra stack --no-install-project --no-build
COPY src src
RUN uv sync --quiet --locked --no-dev --extra stack --no-editable
RUN mkdir -p /var/lib/helixnet

FROM python:3.11.15-slim-bookworm
ENV PATH=/opt/helixnet/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HELIXNET_DATA=/var/lib/helixnet HOME=/var/lib/helixnet
COPY --from=build /opt/helixnet /opt/helixnet
COPY --from=build --chown=10001:10001 /var/lib/helixnet /var/lib/helixnet
COPY --chmod=755 services/healthy.py /usr/local/bin/healthy
USER 10001:10001
WORKDIR /var/lib/helixnet
EXPOSE 8080 2222
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["healthy", "live"]
ENTRYPOINT ["helixnet"]
CMD ["service", "gateway", "--host", "0.0.0.0"]
