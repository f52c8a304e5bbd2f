"""Machines: what MQTT Sparkplug B, MTConnect SHDR and a webhook say of them becomes states and downtime events.

A collector is a process of its own (`recon connect collect`): it writes every observation to a journal, and every stop as
an event file that the downtime sensor reads. Data flow: protocol → `Observation` → `Journal` → files; nothing here plans.
"""
