select machine_key as machine, work_center from center
