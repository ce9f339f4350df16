"""What an ONNX file needs to hold a network: operators, element types, and fields by the numbers of onnx.proto3.

See https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3. What is not in these tables is refused.
"""

from typing import Final

from castproof.modelfile.protobuf import BLOCK, BLOCKS, DOUBLES, FLOAT, FLOATS, INT, INTS, Message

# Left out on purpose: ConstantOfShape, Range, Tile, Einsum and TopK, which make much from little and are not needed.
_OPS: Final = """
    Abs Add And ArgMax AveragePool BatchNormalization Cast Ceil Clip Concat Constant Conv
    DequantizeLinear Div Dropout Elu Equal Erf Exp Expand Flatten Floor Gather GatherND Gelu Gemm
    GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual HardSigmoid HardSwish Identity
    InstanceNormalization LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max
    MaxPool Mean Min Mod Mul Neg Not Or PRelu Pad Pow QuantizeLinear Reciprocal ReduceL1 ReduceL2
    ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceSum ReduceSumSquare Relu Reshape Resize Round
    Selu Shape Sigmoid Sign Slice Softmax Softplus Split Sqrt Squeeze Sub Sum Tanh Transpose
    Unsqueeze Where Xor
"""
ALLOWED_OPS: Final = frozenset(_OPS.split())
STANDARD_DOMAINS: Final = frozenset({"", "ai.onnx"})

STORAGE: Final = {  # element type: bytes of one in raw_data, and the field that may hold them instead
    **{1: (4, 4), 2: (1, 5), 3: (1, 5), 4: (2, 5), 5: (2, 5), 6: (4, 5), 7: (8, 7), 9: (1, 5)},
    **{10: (2, 5), 11: (8, 10), 12: (4, 11), 13: (8, 11), 16: (2, 5)},
}
RAW: Final = 9  # of a tensor: its numbers as they are in memory
NUMBERS: Final = {4: FLOATS, 5: INTS, 7: INTS, 10: DOUBLES, 11: INTS}  # of a tensor: its numbers as a list
LISTS: Final = {7: FLOATS, 8: INTS}  # of an attribute

ENTRY: Final = Message("StringStringEntryProto", {1: BLOCK, 2: BLOCK})
_DIM: Final = Message("Dimension", {1: INT, 2: BLOCK, 3: BLOCK})
_SHAPE: Final = Message("TensorShapeProto", {1: BLOCKS}, inner={1: _DIM})
_TENSOR_TYPE: Final = Message("TypeProto.Tensor", {1: INT, 2: BLOCK}, inner={2: _SHAPE})
_OTHER_TYPES: Final = dict.fromkeys((4, 5, 7, 8, 9), "a value that is not a tensor")
_TYPE: Final = Message("TypeProto", {1: BLOCK, 6: BLOCK}, _OTHER_TYPES, {1: _TENSOR_TYPE})
_VALUE: Final = Message(
    "ValueInfoProto", {1: BLOCK, 2: BLOCK, 3: BLOCK, 4: BLOCKS}, inner={2: _TYPE, 4: ENTRY}
)
TENSOR: Final = Message(
    "TensorProto",
    {1: INTS, 2: INT, 8: BLOCK, RAW: BLOCK, 12: BLOCK, 14: INT, 16: BLOCKS, **NUMBERS},
    {3: "a part of a tensor", 6: "a tensor of texts", 13: "a tensor whose numbers are in another file"},
    {16: ENTRY},
)
ATTRIBUTE: Final = Message(
    "AttributeProto",
    {1: BLOCK, 2: FLOAT, 3: INT, 4: BLOCK, 5: BLOCK, 9: BLOCKS, 10: BLOCKS, 13: BLOCK, 20: INT, **LISTS},
    {6: "a graph in a graph", 11: "a graph in a graph", 22: "a sparse tensor", 23: "a sparse tensor"},
)
NODE: Final = Message(
    "NodeProto",
    {1: BLOCKS, 2: BLOCKS, 3: BLOCK, 4: BLOCK, 5: BLOCKS, 6: BLOCK, 7: BLOCK, 9: BLOCKS},
    inner={9: ENTRY},
)
GRAPH: Final = Message(
    "GraphProto",
    {1: BLOCKS, 2: BLOCK, 5: BLOCKS, 10: BLOCK, 11: BLOCKS, 12: BLOCKS, 13: BLOCKS, 16: BLOCKS},
    {15: "a sparse tensor"},
    {11: _VALUE, 12: _VALUE, 13: _VALUE, 16: ENTRY},
)
OPSET: Final = Message("OperatorSetIdProto", {1: BLOCK, 2: INT})
MODEL: Final = Message(
    "ModelProto",
    {1: INT, 2: BLOCK, 3: BLOCK, 4: BLOCK, 5: INT, 6: BLOCK, 7: BLOCK, 8: BLOCKS, 14: BLOCKS},
    {20: "training steps", 25: "functions of its own"},
)
