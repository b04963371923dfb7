// words/elsewhere-chat.zh.js - when the other site of the centre comes into it, in Chinese
export const words = {
  moving_asking: "现在没有连接。我们也在尝试我们的第二个中心。",
  moving_going: "我们的第二个中心正在接手。正在为您连接。",
  moved_here: "您现在已与{to}连接。请在这里继续。",
  arriving: "正在为您连接{here}…",
  arriving_slow: "比平时要久一些。我们会继续尝试。",
  arriving_ask: "您来自{other}。要在这里继续您的对话吗？",
  arriving_go_on: "在这里继续",
  arriving_not: "不，开始新的聊天",
  arriving_back: "返回{other}",
};
