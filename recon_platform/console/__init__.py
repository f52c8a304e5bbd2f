"""The console: one web application on which planners, supervisors and auditors see, decide, publish and check.

Belongs here: pages, the JSON API on the same service functions, and the door (sign-in, permissions, sessions of
browsers). Does not belong here: any rule about plans or people. Those are asked of `nights` and `governance`.
"""
