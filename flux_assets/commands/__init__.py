"""The shell's commands, `flux-assets ...`; `checks/`: what `flux-assets check` looks at."""
