"""What starts runs: nightly schedules, and sensors on new plants, downtime, approvals and failures.

Belongs here: when something runs, and why not. Does not belong here: what runs (`assets`), or how an event is judged
(`recon_platform.nights`). A sensor looks, decides within seconds and requests; it never plans or writes a table.
"""
