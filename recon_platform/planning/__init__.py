"""Planning: the stages of the night in order, and `plan`, which runs them on tables in memory."""

from recon_platform.planning.plan import finished, inputs, plan, run_stage, run_stages
from recon_platform.planning.stages import STAGES, Stage, stage

__all__ = ["STAGES", "Stage", "finished", "inputs", "plan", "run_stage", "run_stages", "stage"]
