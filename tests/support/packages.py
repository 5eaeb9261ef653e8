"""An application's package, as StarlingX builds them: metadata, and Flux manifests that name its charts."""

import io
import tarfile
from pathlib import Path

import yaml


def package(
    path: Path, name: str = "demo-app", version: str = "1.0-1", charts: tuple[tuple[str, str], ...] = ()
) -> None:
    """`charts` as namespace and chart; by default one, called as the application."""
    documents = {"metadata.yaml": {"app_name": name, "app_version": version}}
    for namespace, chart in charts or (("demo", name),):
        release = {"kind": "HelmRelease", "metadata": {"name": chart, "namespace": namespace}}
        documents[f"fluxcd-manifests/{chart}/helmrelease.yaml"] = release
    with tarfile.open(path, "w:gz") as made:
        for member, document in documents.items():
            content = yaml.safe_dump(document).encode()
            info = tarfile.TarInfo(member)
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
