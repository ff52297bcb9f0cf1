"""Reliability under kill -9, races, full disks and bursts; every harness proves itself first."""
