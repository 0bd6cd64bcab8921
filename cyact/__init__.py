from cyact.activations import *
from cyact.activations import __all__

__version__ = "0.1.0"
