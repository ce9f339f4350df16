"""The model file: one ONNX file that contains the network, its preprocessing, its gate and where it comes from."""
