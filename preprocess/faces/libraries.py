"""The system libraries that MediaPipe and OpenCV need and no wheel brings."""

import ctypes

from stan_boundary.errors import InputError

# Debian's and Ubuntu's package of each.
PACKAGES = {"libGL.so.1": "libgl1", "libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2"}


def check_libraries(packages: dict[str, str] = PACKAGES) -> None:
    """Say in one line which system libraries are missing, before an import fails on one.

    To be called before anything that imports `cv2` or creates a detector.

    Raises:
        InputError: Names the missing libraries and the command that installs them.
    """
    missing = [name for name in packages if not _loads(name)]
    if missing:
        wanted = " ".join(packages[name] for name in missing)
        raise InputError(
            f"MediaPipe and OpenCV need the system libraries {', '.join(missing)}: "
            f"apt-get install {wanted} (Fedora: libglvnd-glx libglvnd-egl libglvnd-gles)"
        )


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
