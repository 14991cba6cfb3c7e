"""`mk label`: sets and removes labels."""

import argparse

from minikube_py.cli.marks import configure_marks, run_marks


def configure(parser: argparse.ArgumentParser) -> None:
    configure_marks(parser)


def run(args: argparse.Namespace) -> int:
    return run_marks(args, "labels", done="labeled", undone="unlabeled")
