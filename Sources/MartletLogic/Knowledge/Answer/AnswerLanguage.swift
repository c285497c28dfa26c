/// The language that a question is asked in, as far as our own sentences and rules come in it.
public enum AnswerLanguage: String, Sendable, Hashable {
    case chinese, english

    /// Chinese where a fifth of the letters are: a question with an English product's name is Chinese.
    public init(of text: String) {
        var (han, others) = (0, 0)
        for scalar in text.unicodeScalars {
            if scalar.isHan { han += 1 } else if scalar.isLetter || scalar.isDense { others += 1 }
        }
        self = han > 0 && han * 5 >= han + others ? .chinese : .english
    }

    /// Said instead of an answer that the bases do not have.
    public var refusal: String {
        switch self {
        case .chinese: "知识库中没有找到相关内容，无法回答这个问题。"
        case .english: "The knowledge base has no information that answers this question."
        }
    }

    /// Before the passages that stand for an answer because the model does not give one.
    public var degraded: String {
        switch self {
        case .chinese: "模型暂时不可用。" + passages
        case .english: "The model is not available. " + passages
        }
    }

    /// Before the passages that are the answer where there is no model.
    public var passages: String {
        switch self {
        case .chinese: "以下是知识库中最相关的原文：\n\n"
        case .english: "These are the most relevant passages of the knowledge base:\n\n"
        }
    }

    /// Between what the model said before it broke off, and the passages.
    public var brokenOff: String {
        switch self {
        case .chinese: "\n\n（回答中断。）"
        case .english: "\n\n(The answer broke off.)"
        }
    }
}
