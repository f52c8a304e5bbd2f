"""Tables of governance: what people decided and a plan must respect, and the trail of who did what."""

from __future__ import annotations

from recon_platform.tables.model import Column, Kind, Layer, Table

DECISIONS_IN_FORCE = Table(
    name="decisions_in_force",
    layer=Layer.GOVERNANCE,
    meaning="Snapshot taken when a run is opened: locks, approved moves, pins, overrides, parameters and switches.",
    key=("decision",),
    columns=(
        Column("decision", Kind.KEY, "The decision behind it."),
        Column(
            "kind", Kind.TEXT, "What it does to the plan.",
            allowed=("lock", "approved_move", "pin", "override", "parameter", "switch"),
        ),
        Column("subject", Kind.KEY, "Order, purchase line, item, work center, line or agent it is about."),
        Column("value", Kind.TEXT, "What was decided, as JSON; for a move its `move`, `kind` and `change`."),
        Column("valid_from", Kind.INSTANT, "In force from here on."),
        Column("valid_until", Kind.INSTANT, "Ends by itself here; null: until replaced or revoked.", nullable=True),
        Column("approved_by", Kind.TEXT, "Who decided."),
        Column("reason", Kind.TEXT, "Why, in the words of whoever decided."),
    ),
    owner="governance",
)  # fmt: skip

MESSAGE_SUBJECT = "message:"
"""What the subject of a lock begins with that puts a message aside; the message's identity follows."""

AUDIT = Table(
    name="audit",
    layer=Layer.GOVERNANCE,
    meaning="Every governance event in order, each row carrying the hash of the row before; appended, never replaced.",
    key=("sequence",),
    columns=(
        Column("sequence", Kind.WHOLE, "1, 2, 3 … without gaps.", minimum=1),
        Column("at", Kind.TEXT, "When, by the platform's clock, UTC."),
        Column("clock", Kind.TEXT, "Whether the clock went on since the last row.", allowed=("forward", "set_back")),
        Column("actor", Kind.TEXT, "Who: a user, an agent or a service of the platform."),
        Column("actor_kind", Kind.TEXT, "What the actor is.", allowed=("person", "agent", "machine")),
        Column("door", Kind.TEXT, "How the actor came in.", allowed=("cli", "web", "api", "agent", "service")),
        Column("action", Kind.TEXT, "What was done."),
        Column("plant", Kind.TEXT, "Plant it concerns; null where it concerns none.", nullable=True),
        Column("subject", Kind.TEXT, "Request, user, schedule version or other record it was done to."),
        Column("detail", Kind.TEXT, "Everything else about it, as canonical JSON."),
        Column("previous_hash", Kind.TEXT, "Hash of the row before; 64 zeros for the first."),
        Column("hash", Kind.TEXT, "SHA-256 of all the other fields."),
    ),
    owner="governance",
)  # fmt: skip

AGENT_SCORES = Table(
    name="agent_scores",
    layer=Layer.GOVERNANCE,
    meaning="How each agent of the platform did: by what people said to what it proposed, and by what came of it.",
    key=("agent",),
    columns=(
        Column("agent", Kind.KEY, "Agent of the registry."),
        Column("on", Kind.FLAG, "Whether it is switched on."),
        Column("levels", Kind.TEXT, "How far it may go with each kind of action."),
        Column("proposed", Kind.WHOLE, "Requests it made.", unit="requests", minimum=0),
        Column("accepted", Kind.WHOLE, "Of them approved by people.", unit="requests", minimum=0),
        Column("rejected", Kind.WHOLE, "Of them rejected.", unit="requests", minimum=0),
        Column("acceptance", Kind.NUMBER, "accepted ÷ (accepted + rejected); null while nothing was decided.", nullable=True,
               unit="share"),
        Column("precision", Kind.NUMBER, "The same of corrections and samples only: judged right ÷ judged.", nullable=True,
               unit="share"),
        Column("sent_alone", Kind.WHOLE, "Corrections sent by its rules without a person.", unit="corrections", minimum=0),
        Column("promised_lines", Kind.WHOLE, "Customer lines that approved moves were signed for.", unit="lines", minimum=0),
        Column("measured_lines", Kind.WHOLE, "Of them those whose week is over.", unit="lines", minimum=0),
        Column("kept_lines", Kind.WHOLE, "Of these kept, as the first night a week later knows.", unit="lines", minimum=0),
        Column("hours_saved", Kind.NUMBER, "(accepted + sent alone) × minutes a person needs for a case by hand, assumed.",
               unit="hours", minimum=0),
    ),
    owner="governance",
)  # fmt: skip

TABLES: tuple[Table, ...] = (DECISIONS_IN_FORCE, AUDIT, AGENT_SCORES)
