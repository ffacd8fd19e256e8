from stan_boundary.environment import set_defaults

set_defaults()  # before any module here loads MediaPipe or OpenCV
