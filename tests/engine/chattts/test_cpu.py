"""The CPU's flags are read from what the kernel tells, and name the instructions that count."""

from pathlib import Path

import pytest

from chatttsd.engine.chattts.cpu import CPUINFO, Cpu, read_cpu

X86 = "processor\t: 0\nflags\t\t: fpu sse2 {}\nbugs\t\t:\n\nprocessor\t: 1\nflags\t\t: none\n"
ARM = "processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd asimddp\n"


def cpuinfo(folder: Path, text: str) -> Path:
    path = folder / "cpuinfo"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ("avx2 avx512f avx512_vnni avx_vnni", "AVX-512 VNNI"),
        ("avx2 avx_vnni", "AVX-VNNI"),
        ("avx2 fma", "AVX2"),
        ("avx512_vnni avx2", "AVX2"),
        ("sse4_2", "x86_64"),
    ],
)
def test_the_best_instructions_are_named(tmp_path: Path, flags: str, named: str) -> None:
    assert read_cpu(cpuinfo(tmp_path, X86.format(flags)), "x86_64").dot_products == named


def test_the_first_core_counts(tmp_path: Path) -> None:
    cpu = read_cpu(cpuinfo(tmp_path, X86.format("avx2")), "x86_64")
    assert cpu == Cpu("x86_64", frozenset({"fpu", "sse2", "avx2"}))


def test_arm_names_its_flags_otherwise(tmp_path: Path) -> None:
    cpu = read_cpu(cpuinfo(tmp_path, ARM), "aarch64")
    assert "asimddp" in cpu.flags
    assert cpu.dot_products == "aarch64"


@pytest.mark.parametrize("text", ["", "flags", "\0\0\0", "model name : x\n"])
def test_a_file_without_flags_means_none(tmp_path: Path, text: str) -> None:
    assert read_cpu(cpuinfo(tmp_path, text), "riscv64") == Cpu("riscv64", frozenset())


def test_a_missing_file_means_none(tmp_path: Path) -> None:
    assert read_cpu(tmp_path / "none").flags == frozenset()


def test_this_machine_is_read() -> None:
    cpu = read_cpu()
    assert cpu.machine
    assert bool(cpu.flags) == CPUINFO.exists()
