"""`python -m flux_assets` is `flux-assets`."""

from flux_assets.commands.main import main

if __name__ == "__main__":  # a step's process spawned by such a run imports this page anew
    main()
