from cyact.activations import leaky_relu, relu, sigmoid, tanh

__version__ = "0.1.0"
