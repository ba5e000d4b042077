"""The larger subcommands of `flux-assets`, and the flags that several share."""
