"""The one table of what is provisioned, and in which version."""

from typing import Final

KAFKA: Final = "4.3.1"
SCALA: Final = "2.13"
# Kafka brings the API of slf4j 1.7, which finds only a logger of the same age.
SLF4J: Final = "1.7.36"
KEYCLOAK: Final = "26.7.3"
# The last public source of MinIO; its images are gone.
MINIO: Final = "v0.0.0-20260212201848-7aac2a2c5b7c"
# The Debian package that brings a program, for a root user who lacks it.
PACKAGES: Final = {
    "java": "openjdk-17-jre-headless",
    "javac": "openjdk-17-jdk-headless",
    "jq": "jq",
    "mvn": "maven",
    "go": "golang",
    "initdb": "postgresql",
}
