"""A real SLURM of one node on loopback, in a folder of its own: munged, slurmctld, slurmd; no systemd, no cgroups."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

TEMPLATES = Path(__file__).parent / "slurm"
PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
COMMANDS = ("slurmctld", "slurmd", "munged", "sbatch", "srun", "squeue", "scontrol", "scancel")


class NoCluster(Exception):
    """There can be no SLURM here; says why."""


class Cluster:
    """Starts the cluster; `close` ends it. Only processes whose numbers are in its own folder are ever signalled.

    Args:
        folder: of its files; short, for the sockets in it.

    Raises:
        NoCluster: it is not installed and cannot be, or does not come up.
    """

    def __init__(self, folder: Path) -> None:
        _install()
        self.folder = folder
        self.conf = folder / "slurm.conf"
        self._prepare(_free_port())
        self.environment = {**os.environ, "SLURM_CONF": str(self.conf), "PATH": _path()}
        self._start()

    def ask(self, *words: str) -> str:
        """What one of SLURM's commands prints."""
        done = subprocess.run(
            words,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
            stdin=subprocess.DEVNULL,
        )
        return done.stdout.strip()

    def close(self) -> None:
        """Ends all jobs, then the daemons."""
        with suppress(subprocess.SubprocessError):
            # Killing slurmd alone would leave its jobs behind.
            for job in self.ask("squeue", "-h", "-o", "%A").split():
                self.ask("scancel", "--signal=KILL", "--full", job)
                self.ask("scancel", job)
            _until(lambda: not self.ask("squeue", "-h", "-t", "R,CG", "-o", "%A"), 10)
        for name in ("slurmd", "slurmctld", "munged"):
            self._end(name)

    def _prepare(self, port: int) -> None:
        names = {"HOST": socket.gethostname().partition(".")[0], "DIR": str(self.folder)}
        names |= {"PORT": str(port), "NEXT_PORT": str(port + 1)}
        for template in ("slurm.conf", "gres.conf"):
            text = (TEMPLATES / template).read_text()
            for name, value in names.items():
                text = text.replace(f"@{name}@", value)
            (self.folder / template).write_text(text)
        self.folder.chmod(0o755)
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        for i in range(2):
            (self.folder / f"gpu{i}").symlink_to("/dev/null")
        (self.folder / "plugstack.conf").touch()
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o600)

    def _start(self) -> None:
        files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid", "log-file": "munged.log"}
        files["seed-file"] = "munged.seed"
        try:
            self.ask("munged", *(f"--{name}={self.folder / file}" for name, file in files.items()))
            self.ask("slurmctld", "-f", str(self.conf))
            self.ask("slurmd", "-f", str(self.conf))
            _until(lambda: self.ask("sinfo", "-h", "-N", "-o", "%T").startswith("idle"), 20)
        except (subprocess.SubprocessError, TimeoutError) as error:
            told = getattr(error, "stderr", "") or error
            self.close()
            raise NoCluster(f"SLURM does not come up: {told}") from error

    def _end(self, name: str) -> None:
        try:
            pid = int((self.folder / f"{name}.pid").read_text())
            if not Path(f"/proc/{pid}/comm").read_text().startswith(name):
                return
            os.kill(pid, signal.SIGTERM)
            _until(lambda: not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text(), 10)
        except (OSError, ValueError):
            return  # it is gone
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)


def _install() -> None:
    lacking = [command for command in COMMANDS if shutil.which(command, path=_path()) is None]
    if not lacking:
        return
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or apt is None:
        raise NoCluster(f"no {lacking[0]}, and it can be installed only as root on Debian: {' '.join(PACKAGES)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = [apt, "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
    for command in (install, [apt, "update", "-qq"], install):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
        if command is install and done.returncode == 0:
            return
    raise NoCluster(f"apt-get install {' '.join(PACKAGES)} failed: {done.stderr.strip()[-200:]}")


def _until(true: object, seconds: float) -> None:
    assert callable(true)
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.05)


def _free_port() -> int:
    """Two neighbouring ports of which the first is free, outside of where the system takes its own."""
    for port in range(17_000 + os.getpid() % 1000 * 2, 32_000, 2):
        with suppress(OSError), socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", port))
            two.bind(("127.0.0.1", port + 1))
            return port
    raise NoCluster("no free port on loopback")


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
