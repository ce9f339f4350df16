"""The model file: one ONNX file that holds the network, its preprocessing, its gate and where it comes from."""
