#!/usr/bin/env python3
"""What a release is made of, as a CycloneDX 1.5 document in JSON.

usage: sbom.py [PACKAGE.deb ...]

Its components are what is served from npm (web/package-lock.json), and what
the packages need of Debian: names from their Depends, versions from dpkg where
they are installed.  Serial number and time are those of the commit, so that
the same commit gives the same document on the same system.
"""

import base64
import json
import os
import re
import subprocess
import sys
import uuid

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def output(*command):
    done = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, text=True,
                          check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def npm():
    """The packages that browsers get; those for tests are left out."""
    with open(os.path.join(TOP, "web", "package-lock.json"),
              encoding="utf-8") as f:
        packages = json.load(f)["packages"]
    for path, package in sorted(packages.items()):
        if not path or package.get("dev"):
            continue
        name = path.rpartition("node_modules/")[2]
        version = package["version"]
        purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
        group, _, short = name.rpartition("/")
        component = {"type": "library", "bom-ref": purl, "name": short,
                     "version": version, "purl": purl,
                     "licenses": [{"license": {"id": package["license"]}}]}
        if group:
            component["group"] = group
        algorithm, _, digest = package["integrity"].partition("-")
        if algorithm == "sha512":
            component["hashes"] = [{
                "alg": "SHA-512", "content": base64.b64decode(digest).hex()}]
        yield component


def system():
    """ID and version of this Debian, for the purl."""
    with open("/etc/os-release", encoding="utf-8") as f:
        words = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', f.read(), re.M))
    return words.get("ID", "debian"), words.get("VERSION_ID", "")


def debian(files):
    """What the packages depend on: each first choice, but not each other."""
    names, own = set(), set()
    for file in files:
        own.add(output("dpkg-deb", "-f", file, "Package"))
        for choice in output("dpkg-deb", "-f", file, "Depends").split(","):
            match = re.match(r"\s*([a-z0-9][a-z0-9+.-]*)", choice)
            if match and not match[1].startswith("nginx-abi"):
                names.add(match[1])
    distribution, release = system()
    for name in sorted(names - own):
        version = output("dpkg-query", "-W", "-f", "${Version}", name)
        component = {"type": "library", "name": name}
        purl = f"pkg:deb/{distribution}/{name}"
        if version:
            component["version"] = version
            purl += "@" + version.replace("+", "%2B").replace(":", "%3A")
        purl += f"?distro={distribution}-{release}"
        yield component | {"bom-ref": purl, "purl": purl}


def document(files):
    with open(os.path.join(TOP, "VERSION"), encoding="utf-8") as f:
        version = f.read().strip()
    commit = output("git", "rev-parse", "HEAD")
    time = output("git", "log", "-1", "--format=%cd",
                  "--date=format-local:%Y-%m-%dT%H:%M:%SZ")
    own = f"pkg:generic/magasin@{version}"
    components = [*npm(), *debian(files)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": "urn:uuid:" + str(uuid.uuid5(uuid.NAMESPACE_URL,
                                                     f"magasin:{commit}")),
        "version": 1,
        "metadata": {
            "timestamp": time,
            "component": {
                "type": "application", "bom-ref": own, "name": "magasin",
                "version": version, "purl": own,
                "licenses": [{"license": {"id": "BSD-2-Clause"}}],
                "properties": [{"name": "magasin:commit", "value": commit}],
            },
        },
        "components": components,
        "dependencies": [
            {"ref": own, "dependsOn": [c["bom-ref"] for c in components]},
            *({"ref": c["bom-ref"]} for c in components),
        ],
    }


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    FILES = [os.path.abspath(name) for name in sys.argv[1:]
             if os.path.exists(name)]
    print(json.dumps(document(FILES), indent=2, ensure_ascii=False))
