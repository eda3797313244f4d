# An agent for the Jenkinsfile and for venvBuild: the tool in /opt/venvbuild, and the Pythons that the job offers.
# Never built where this repository is tested, which has no Docker engine; there, hadolint reads it.
#
#     docker build -t venvbuild-agent .
FROM debian:12-slim

# Debian keeps one version of a package: a pin would break the build with the next security update.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates git graphviz openjdk-17-jre-headless python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 jenkins
COPY bin /opt/venvbuild/bin
COPY locks /opt/venvbuild/locks
COPY athena /opt/venvbuild/athena
COPY venvbuild /opt/venvbuild/venvbuild
ENV VENVBUILD_HOME=/opt/venvbuild
USER 1000
WORKDIR /home/jenkins

# The tool's own dependencies, by their hashes, those of `notify` too, so that the first run of a container installs
# nothing; and the Pythons beside Debian's 3.11, which the tool finds where uv keeps them.
RUN /opt/venvbuild/bin/venvbuild --version \
    && VENVBUILD_NOTIFY_URLS=json://localhost /opt/venvbuild/bin/venvbuild notify failure --dry-run \
    && python3 -m venv /tmp/uv \
    && /tmp/uv/bin/pip install --no-cache-dir uv==0.13.8 \
    && /tmp/uv/bin/uv python install 3.15 3.14 3.13 3.12 3.10 3.9 3.8 \
    && rm -rf /tmp/uv
