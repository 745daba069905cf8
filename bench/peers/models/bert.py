"""BERT's encoder (Devlin et al. 2018), uncased vocabulary; MiniLM-L6 is the same with other numbers."""
from .net import Net


def _encoder_layer(net, x, mask, heads, hidden):
    width = x.shape[-1]
    query, key, value = (net.linear(x, width) for _ in range(3))
    attended = net.linear(net.attention(query, key, value, mask, heads), width)
    x = net.layer_norm(net.add(attended, x))
    return net.layer_norm(net.add(net.linear(net.linear(x, hidden, "gelu"), width), x))


def make(name, layers, width, heads, hidden, length=128, vocabulary=30522):
    net = Net(name)
    ids, mask, types = (net.input(port, (1, length), "i64") for port in ("input_ids", "attention_mask", "token_type_ids"))
    x = net.layer_norm(net.bert_embeddings(ids, types, width, vocabulary))
    scores_mask = net.attention_mask(mask)
    for _ in range(layers):
        x = _encoder_layer(net, x, scores_mask, heads, hidden)
    net.output(x, "last_hidden_state")
    return net
