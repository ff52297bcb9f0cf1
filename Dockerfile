# The service without the simulated world: from hashed locks, compiled ahead, under an account of its own.
FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN python -m venv /service \
    && /service/bin/pip install --require-hashes --only-binary :all: -r requirements/runtime.txt \
    && pip install --require-hashes --only-binary :all: -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY migrations migrations
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && /service/bin/pip install --no-deps --no-compile dist/*.whl \
    && /service/bin/pip uninstall --yes pip \
    && /service/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /service/lib

FROM python:3.13-slim-bookworm
ENV PATH=/service/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/lerarenkaart lerarenkaart
COPY --from=build /service /service
USER 10001
WORKDIR /var/lib/lerarenkaart
VOLUME /var/lib/lerarenkaart
EXPOSE 8000
HEALTHCHECK --start-period=10s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://localhost:8000/healthz', timeout=3)"]
ENTRYPOINT ["lerarenkaart"]
CMD ["serve", "--host", "0.0.0.0"]
