"""The library that recognition scores are made with: an extra, which no purchase needs."""


def explain_absence() -> str:
    """Why no score can be made here, and what to do; empty where one can."""
    try:
        import cv2  # noqa: F401 - whether it loads is all that is asked
    except ModuleNotFoundError as error:
        if error.name == "cv2":
            return "OpenCV is not installed; `pip install 'flux-assets[recognition]'` installs it"
        return _explain(error)
    except ImportError as error:  # such as a system without one of its libraries
        return _explain(error)
    return ""


def _explain(error: ImportError) -> str:
    return f"OpenCV does not load: {error}"
