"""The subcommands of `flux-assets` that are more than a few lines, and the flags that several share."""
